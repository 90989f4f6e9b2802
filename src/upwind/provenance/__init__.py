"""What a result was made with: the code that its job can reach, and the packages that compute."""
