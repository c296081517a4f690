-- The digest of the configuration by which the relay is reached: with another one its circuit is closed.
alter table lane add column configuration blob;
