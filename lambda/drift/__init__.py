"""Whether the endpoint's photos are still such as its model was evaluated with."""
