"""The web application over a folder of hunts, and the TAXII server beside it; needs ``stillhunt[web]``."""
