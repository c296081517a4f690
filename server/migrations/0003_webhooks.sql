-- One row for each connector with a webhook: when it is due, where something waits to be told; until when somebody tells
-- it; and how often in a row nothing could be told.
create table webhook (
    connector text primary key,
    due bigint,
    leased_until bigint not null default 0,
    failures bigint not null default 0
);
create index webhook_due on webhook (due) where due is not null;

-- Ends of messages that are still to be told.
create table untold (
    message text primary key references message (id) on delete cascade,
    connector text not null,
    ended bigint not null,
    due bigint not null,
    attempts bigint not null default 0
);
create index untold_of_connector on untold (connector, due);
