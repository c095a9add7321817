"""The examination of one box: checks that find what is wrong with it, each with a remedy."""
