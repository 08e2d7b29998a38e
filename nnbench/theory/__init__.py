"""What theory predicts of a network: laws, and the predictions of a study's arms."""
