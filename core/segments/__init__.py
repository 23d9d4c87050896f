"""One video on many cores: pieces that are searched for people side by side, and joined again."""
