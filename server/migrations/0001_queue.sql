-- The queue and what it needs, for SQLite and PostgreSQL alike. Times are microseconds since 1970.

-- One row for each connector: its turn, its rate, how much of it is under way, and whether its relay is up.
create table lane (
    connector text primary key,
    due bigint,
    served bigint not null default 0,
    tat bigint not null default 0,
    emission bigint not null default 0,
    burst bigint not null default 1,
    in_flight bigint not null default 0,
    most_in_flight bigint not null default 10,
    paused bigint not null default 0,
    failures bigint not null default 0
);
create index lane_ready on lane (served) where due is not null;

-- States: 0 queued, 1 leased, 2 released, 3 accepted, 4 refused, 5 expired, 6 ambiguous, 7 failed, 8 cancelled.
create table message (
    id text primary key,
    connector text not null,
    type text not null,
    state bigint not null,
    created bigint not null,
    due bigint not null,
    deadline bigint not null,
    own_deadline bigint not null,
    attempts bigint not null default 0,
    fence bigint not null default 0,
    worker text,
    leased_until bigint,
    idempotency_key text,
    digest blob,
    message_id text not null,
    content blob,
    result text,
    ended bigint
);
create index message_waiting on message (connector, due) where state = 0;
create index message_expiring on message (deadline) where state = 0;
create index message_leased on message (leased_until) where state in (1, 2);
create index message_of_connector on message (connector, id);
create index message_ended on message (ended) where ended is not null;
create unique index message_key on message (connector, idempotency_key)
    where idempotency_key is not null;

-- How many messages a recipient may still get, as the time at which the limit is back at rest.
create table recipient (
    connector text not null,
    digest blob not null,
    tat bigint not null,
    primary key (connector, digest)
);
create index recipient_at_rest on recipient (tat);

create table connector (
    name text primary key,
    version bigint not null,
    document blob not null
);

create table token (
    id text primary key,
    digest blob not null unique,
    name text not null,
    scopes text not null,
    created bigint not null
);

create table setting (
    name text primary key,
    value blob not null
);
