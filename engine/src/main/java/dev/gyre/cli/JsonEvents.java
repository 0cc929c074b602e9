package dev.gyre.cli;

import dev.gyre.config.Json;
import dev.gyre.train.TrainEvent;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/** Events as JSON, one object a line, each flushed at once. */
record JsonEvents(Shell shell) implements Consumer<TrainEvent> {
    @Override
    public void accept(TrainEvent event) {
        shell.line(Json.write(row(event)));
    }

    private static Map<String, Object> row(TrainEvent event) {
        var row = new LinkedHashMap<String, Object>();
        switch (event) {
            case TrainEvent.Started s -> {
                row.put("event", "start");
                row.put("steps", s.steps());
                row.put("examples", s.examples());
                row.put("learned", s.learned());
                row.put("frozen", s.frozen());
                row.put("machine", s.machine());
                row.put("recipe", s.recipe().plain());
            }
            case TrainEvent.BaseEncoded b -> {
                row.put("event", "base");
                row.put("encoding", b.encoding());
                row.put("loss", b.loss());
                row.put("stored_loss", b.storedLoss());
                row.put("drift", b.drift());
            }
            case TrainEvent.Stepped s -> {
                row.put("event", "step");
                row.put("step", s.step());
                row.put("loss", s.loss());
                row.put("learned_tokens", s.learnedTokens());
                row.put("tokens", s.tokens());
                row.put("learning_rate", s.learningRate());
                row.put("gradient_norm", s.gradientNorm());
                row.put("seconds", Words.seconds(s.took()));
            }
            case TrainEvent.Evaluated e -> {
                row.put("event", "eval");
                row.put("step", e.step());
                row.put("loss", e.loss());
                row.put("learned_tokens", e.learnedTokens());
            }
            case TrainEvent.Saved s -> {
                row.put("event", "save");
                row.put("step", s.step());
                row.put("path", s.where().toString());
            }
            case TrainEvent.Done d -> {
                row.put("event", "done");
                row.put("steps", d.steps());
                row.put("seconds", Words.seconds(d.took()));
                row.put("tokens_per_second", d.tokensPerSecond());
                row.put("peak_rss_bytes", d.peakRssBytes());
                row.put("adapter", d.adapter().toString());
            }
            case TrainEvent.Stopped s -> {
                row.put("event", "stopped");
                row.put("step", s.step());
                row.put("why", s.why());
            }
        }
        return row;
    }
}
