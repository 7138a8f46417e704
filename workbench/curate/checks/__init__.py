"""What could harm a model in a data set: small checks, each with a name, a reason and row-level findings."""
