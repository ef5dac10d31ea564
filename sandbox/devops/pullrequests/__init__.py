"""Pull requests and the branch policies that ask for them."""
