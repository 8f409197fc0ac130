// Package pgtest gives tests a real PostgreSQL and the means to ill-treat it.
//
//	Server(t) ── shared by the test process ──┐            ┌── Database(t, inst) ── Schemas(t, url, prefix, n)
//	                                          ├─ Instance ─┤
//	New(t, Options) ── dedicated to one test ─┘            └── Proxy(t, inst): latency, resets, silence
//
// A server is looked for in this order, and one line on stderr says which was taken:
//
//  1. SKEIN_TEST_URL, a superuser's URL; it serves [Server] only, because tests may not stop it;
//  2. Docker, with the image SKEIN_TEST_IMAGE (default postgres:17-alpine); another version N is
//     SKEIN_TEST_IMAGE_N or the same image with N in place of its version;
//  3. binaries on this machine: /usr/lib/postgresql/*/bin, newest first, and the usual places, then PATH;
//  4. embedded-postgres, which downloads binaries.
//
// SKEIN_TEST_POSTGRES=url|docker|local|embedded forces one. Where none is found the test fails and says
// what to install; nothing is ever skipped. PostgreSQL refuses to run as root, so root starts it as the
// user postgres, else of the user nobody.
//
// Whatever was started ends with the test process, also if that is killed: a small shell process holds a
// pipe from it and cleans up when the pipe closes. [Main] does the same in an orderly way:
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
package pgtest
