"""Metrics of your own: every public function in this file is a metric of its name.

    def mape(actual, predicted):
        return 100 * abs((actual - predicted) / actual).mean()

The evaluate stage calls it for the rows of train, validation and test, with float64 arrays (n,),
and `train_mape`, `validation_mape` and `test_mape` appear wherever `test_rmse` does: in
metrics.json, scores.json, the report, `linreg summary` and `linreg compare`, in MLflow, and in
`evaluate.gates` as `test_mape: {max: 5}`. A function with a third parameter named `weights` gets
those of the rows, ones where `model.weights` names no column.

It returns a finite number, the same one each time. Functions whose names begin with an underscore
are not metrics. Only evaluate depends on this file: a change of it trains nothing again.
"""
