package postgres

import (
	"strings"
	"testing"
)

func TestSiblingsAreCalledLikeTenants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tenants, siblings, others string }{
		{"t_a t_b", "t_zz t_a_old t_b1", "extensions public topology skein t t_ ta tt_a x_t_a T_c"},
		{"t_a", "", "t_b t_zz extensions"}, // one makes no pattern
		{"t_a t_a", "", "t_b"},
		{"t_a", "", "t_a"}, // itself is none of the others
		{"app_t_a app_t_b", "app_t_c", "app_extensions app_public app_t"},
		{"app_t_a app_t_b app_main", "app_t_c app_extensions", "extensions"},
		{"cust_1_eu cust_2_eu cust_3_us", "cust_4_eu cust_new", "custom cust shared"},
		{"tenant1 tenant22", "tenant003 tenant9", "tenant tenants tenantx extensions1"},
		{"1 2", "", "3"}, // nothing but a number says little; short ones are no hashes either
		{"s1_eu s2_eu", "s3_eu", "s3_us s_eu"},
		{"acme bolt crane", "", "delta extensions public hdb_catalog"},
		{"3f2504e0-4f89-11d3-9a0c-0305e82c3301 9b2c1fa7-0d4e-4d3b-8f65-2a1f0c7d9e10", "00000000-4f89-11d3-9a0c-0305e82c3301", "extensions deadbeef facade"},
		{"0123456789abcdef 00ff00ff00ff00ff", "1123456789abcdef", "extensions abcdef 1123456789abcdeg"},
		{"Müller-Süd Müller-Nord", "Müller-West", "Müller Extensions"},
		{"", "", "t_a public"},
	} {
		tenants := strings.Fields(c.tenants)
		for _, name := range strings.Fields(c.siblings) {
			if !sibling(name, tenants) {
				t.Errorf("with %s: %s is no sibling", c.tenants, name)
			}
		}
		for _, name := range strings.Fields(c.others) {
			if sibling(name, tenants) {
				t.Errorf("with %s: %s is a sibling", c.tenants, name)
			}
		}
	}
}
