"""What the rules of a company's account ask for. Each is off by default, and then no field of it is in a template."""
