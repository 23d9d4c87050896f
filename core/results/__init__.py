"""The result file: its schema, its writer, its reader."""
