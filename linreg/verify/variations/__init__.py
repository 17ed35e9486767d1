"""What results must not depend on, such as the time, the locale and the user's name, varied."""
