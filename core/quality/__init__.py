"""How far to trust one result. Each room measures one thing while frames pass, in running sums."""
