"""What is served: the network, the photo as its input, its artifact, its measures. It needs no other room."""
