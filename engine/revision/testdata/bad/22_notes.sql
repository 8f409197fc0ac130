-- revision: 22
-- revises: none
-- skein:ingore index-not-concurrent: small

-- upgrade
-- skein:ignore index-not-concurrent
-- skein:touches plans, public.plans
CREATE TABLE t (a int); -- skein:touches public.t
