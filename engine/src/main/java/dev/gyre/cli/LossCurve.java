package dev.gyre.cli;

import dev.gyre.train.TrainEvent;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Remembers the losses of a run for the charts and the report. */
final class LossCurve implements Consumer<TrainEvent> {
    /** A loss at a step. */
    record Point(int step, double loss) {}

    private final List<Point> trained = new ArrayList<>();
    private final List<Point> heldOut = new ArrayList<>();

    @Override
    public void accept(TrainEvent event) {
        switch (event) {
            case TrainEvent.Stepped s -> trained.add(new Point(s.step(), s.loss()));
            case TrainEvent.Evaluated e -> heldOut.add(new Point(e.step(), e.loss()));
            case TrainEvent.Started s -> {}
            case TrainEvent.BaseEncoded b -> {}
            case TrainEvent.Saved s -> {}
            case TrainEvent.Done d -> {}
            case TrainEvent.Stopped s -> {}
        }
    }

    List<Point> trained() {
        return trained;
    }

    List<Point> heldOut() {
        return heldOut;
    }
}
