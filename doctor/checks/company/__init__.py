"""Whether what a company's settings name is there, and of use. A setting that is off says nothing."""
