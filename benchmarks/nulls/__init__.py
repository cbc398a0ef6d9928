"""How often the gates let luck through, and how often they find an edge that is there."""
