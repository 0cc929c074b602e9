package dev.gyre.adapter.method;

import dev.gyre.adapter.Method;
import dev.gyre.adapter.Reading;
import dev.gyre.adapter.Settings;
import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Prompt tuning in the registry: its settings, and its keys in PEFT's files. */
final class PromptTuningKind extends PromptKind {
    private static final String START = "prompt_tuning_init";

    @Override
    public String name() {
        return "prompt-tuning";
    }

    @Override
    public String peftType() {
        return "PROMPT_TUNING";
    }

    @Override
    public String summary() {
        return "learns virtual tokens that stand before every sequence";
    }

    @Override
    public String count() {
        return "tokens times the model's width";
    }

    @Override
    public String parts() {
        return "virtual tokens";
    }

    @Override
    public Map<String, String> settings() {
        var s = new LinkedHashMap<String, String>();
        s.put("tokens", "20: how many; they use up as much of the context");
        s.put("start", "vocabulary: words drawn from it; or random numbers");
        return s;
    }

    @Override
    public Method of(Settings s) {
        String start = s.oneOf("start", "vocabulary", List.of("vocabulary", "random"));
        var method =
                new PromptTuning(
                        s.whole("tokens", 20, 1),
                        PromptTuning.Start.valueOf(start.toUpperCase(Locale.ROOT)));
        s.finish();
        return method;
    }

    @Override
    public Set<String> peftKeys() {
        var keys = new HashSet<>(KEYS);
        keys.addAll(
                Set.of(
                        START,
                        "prompt_tuning_init_text",
                        "tokenizer_name_or_path",
                        "tokenizer_kwargs"));
        return keys;
    }

    @Override
    public Method fromPeft(Tree c, Reading reading) {
        PromptTuning.Start start =
                switch (c.textOr(START, "RANDOM")) {
                    case "SAMPLE_VOCAB" -> PromptTuning.Start.VOCABULARY;
                    case "TEXT" -> PromptTuning.Start.TEXT;
                    case "RANDOM" -> PromptTuning.Start.RANDOM;
                    default -> throw c.need(START).wrong("RANDOM, SAMPLE_VOCAB or TEXT");
                };
        return new PromptTuning(tokens(c), start);
    }

    @Override
    public Map<String, @Nullable Object> toPeft(Method method) {
        var own = (PromptTuning) method;
        Map<String, @Nullable Object> keys = keys(own.tokens());
        // PEFT asks for the text and a tokenizer beside the word TEXT, which it would not use.
        keys.put(START, own.start() == PromptTuning.Start.VOCABULARY ? "SAMPLE_VOCAB" : "RANDOM");
        return keys;
    }
}
