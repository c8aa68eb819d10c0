"""The service beside PostGraphile and a static answer, on the same data: what `bench/run` runs."""
