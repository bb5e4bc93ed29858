//! What must survive a restart: journal, queue, table.
