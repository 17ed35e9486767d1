"""What every stage script is: alone in its folder, ended in good order, one process or several."""
