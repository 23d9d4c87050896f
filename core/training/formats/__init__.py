"""Other people's datasets, read into one type: sequences of true poses."""
