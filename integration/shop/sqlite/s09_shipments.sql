-- revision: s09
-- revises: s08
-- message: shipments

-- upgrade
CREATE TABLE shipments (
	id integer PRIMARY KEY,
	order_id integer NOT NULL REFERENCES orders (id),
	carrier text NOT NULL,
	tracking text,
	shipped_at text
);
CREATE INDEX shipments_order_id_idx ON shipments (order_id);
CREATE UNIQUE INDEX shipments_tracking_idx ON shipments (carrier, tracking) WHERE tracking IS NOT NULL;
CREATE TRIGGER shipments_carrier AFTER INSERT ON shipments BEGIN
	UPDATE shipments SET carrier = CASE WHEN new.carrier = '' THEN 'none' ELSE upper(new.carrier) END WHERE id = new.id;
END;

-- downgrade
DROP TABLE shipments;
