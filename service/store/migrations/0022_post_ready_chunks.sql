-- Workers look for what is ready, no more for all that is not done.
DROP INDEX evergrid.bill_run_chunk_undone;
