-- Fallback: a message may go through another connector's relay than its own.

-- The connectors that this one names, best first, parted by commas.
alter table lane add column fallback text not null default '';

-- Through which connector a message goes; and whether one that could not take it in this round may
-- take it later.
alter table message add column lane text not null default '';
alter table message add column promising bigint not null default 0;
update message set lane = connector;

drop index message_waiting;
create index message_waiting on message (lane, due) where state = 0;
create index message_diverted on message (lane, connector) where state = 0 and lane <> connector;
