-- The context of the request that a message was accepted in (W3C Trace Context), for spans that follow it.
alter table message add column trace text;
