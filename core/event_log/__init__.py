"""What happened, as one line each: for people at a terminal, or JSON for whoever collects logs."""
