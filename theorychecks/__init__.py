"""A scientific test harness for theory predictions about wide neural networks."""
