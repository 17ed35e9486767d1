"""What a run says about itself: the journal, its projection into MLflow. The only room that imports mlflow."""
