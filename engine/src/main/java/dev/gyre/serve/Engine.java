package dev.gyre.serve;

import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.model.KvCache;
import dev.gyre.model.Model;
import dev.gyre.model.Span;
import dev.gyre.model.Tokens;
import dev.gyre.tensor.Cores;
import dev.gyre.tensor.Scope;
import dev.gyre.tensor.Tape;
import dev.gyre.tensor.Tensor;
import dev.gyre.tensor.Var;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * The decode loop. Sequences join and leave between steps; one step takes all of them through the
 * model together, new ones with their whole prompts, the others with their last tokens, each with
 * its own adapters and its own cache. What a sequence yields does not depend on which others are
 * there, but for rounding. One thread at a time may use it.
 */
public final class Engine implements AutoCloseable {
    /** Hears of each token of an answer as it is made; may {@link Sequence#stop} the sequence. */
    @FunctionalInterface
    public interface Listener {
        void token(Sequence sequence, int id);
    }

    /** Fewer sequences share each product, so that weights are read once; the line is a guess. */
    private static final int FEWEST_FOR_A_CORE = 4;

    private final Model model;
    private final int contextTokens;
    private final IdentityHashMap<Effects, Integer> adapterOrder = new IdentityHashMap<>();
    private final List<Sequence> active = new ArrayList<>();

    /**
     * @param contextTokens longest sequence, prompt and answer together
     */
    public Engine(Model model, int contextTokens) {
        this.model = model;
        this.contextTokens = Math.min(contextTokens, model.contextTokens());
    }

    /**
     * Takes a sequence in; it is part of the next step.
     *
     * @throws UserError when its prompt leaves no room for an answer
     */
    public Sequence add(Request request) {
        check(request, "the prompt");
        request.adapters().forEach(a -> adapterOrder.putIfAbsent(a, adapterOrder.size()));
        var sequence = new Sequence(request);
        active.add(sequence);
        // Neighbours with the same adapters share a span of rows, and so each product with the
        // adapter's parts.
        active.sort((a, b) -> Integer.compare(order(a), order(b)));
        return sequence;
    }

    /**
     * Whether a request can be taken in.
     *
     * @param name what to call its prompt
     * @throws UserError when not
     */
    public void check(Request request, String name) {
        int room = contextTokens - request.positions();
        if (request.prompt().length >= room)
            throw new UserError(
                    "%s has %d tokens and leaves no room for an answer: the context holds %d"
                            .formatted(name, request.prompt().length, room));
        for (int id : request.prompt())
            if (id < 0 || id >= model.vocabulary())
                throw new UserError(
                        "token %d is not in the model's vocabulary of %d; the tokenizer is of another model"
                                .formatted(id, model.vocabulary()));
    }

    private int order(Sequence sequence) {
        int order = 0;
        for (Effects a : sequence.request().adapters())
            order = order * 31 + adapterOrder.getOrDefault(a, 0) + 1;
        return order;
    }

    /** Sequences that have not ended. */
    public int active() {
        return active.size();
    }

    /** One token for each active sequence; those that ended have left afterwards. */
    public void step(Listener listener) {
        if (active.isEmpty()) return;
        SharedBeginnings.share(active, this::begin);
        List<List<Sequence>> shares = shares();
        List<List<float[]>> logits =
                shares.size() == 1
                        ? List.of(logits(shares.getFirst()))
                        : Cores.each(shares.size(), i -> logits(shares.get(i)));
        for (int share = 0; share < shares.size(); share++) {
            for (int i = 0; i < shares.get(share).size(); i++) {
                Sequence sequence = shares.get(share).get(i);
                if (sequence.advance(
                        logits.get(share).get(i), contextTokens - sequence.request().positions()))
                    listener.token(sequence, sequence.last());
            }
        }
        active.removeIf(
                s -> {
                    if (s.finish().isEmpty()) return false;
                    s.cache.close();
                    return true;
                });
    }

    /**
     * The active sequences as the cores take them: neighbours together, with about as many tokens
     * each. Few sequences stay together, and all cores share each of their products.
     */
    private List<List<Sequence>> shares() {
        int cores = Cores.count();
        if (cores == 1 || active.size() < FEWEST_FOR_A_CORE * cores)
            return List.of(List.copyOf(active));
        var shares = new ArrayList<List<Sequence>>();
        for (int i = 0; i < cores; i++) shares.add(new ArrayList<>());
        long all = active.stream().mapToLong(Engine::cost).sum();
        long sofar = 0;
        for (Sequence sequence : active) {
            shares.get((int) (sofar * cores / all)).add(sequence);
            sofar += cost(sequence);
        }
        shares.removeIf(List::isEmpty);
        return shares;
    }

    /**
     * A sequence's cost in tokens: what it shows the model, and what any sequence costs besides.
     */
    private static long cost(Sequence sequence) {
        return sequence.pending().length + 4L;
    }

    /** Takes the first tokens of a new sequence through the model. */
    private void begin(Sequence sequence, int tokens) {
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            int[] ids = Arrays.copyOf(sequence.request().prompt(), tokens);
            var given = Tokens.of(List.of(ids), sequence.request().adapters());
            model.hidden(tape, given, List.of(sequence.cache));
        }
    }

    /** The logits after each sequence's last token. */
    private List<float[]> logits(List<Sequence> sequences) {
        try (var _ = Scope.open();
                var tape = Tape.off()) {
            var tokens =
                    Tokens.of(
                            sequences.stream().map(Sequence::pending).toList(),
                            sequences.stream().map(s -> s.request().adapters()).toList(),
                            sequences.stream().map(s -> s.cache.length()).toList());
            List<KvCache> caches = sequences.stream().map(s -> s.cache).toList();
            Var hidden = model.hidden(tape, tokens, caches);
            int[] last = new int[sequences.size()];
            for (int i = 0; i < last.length; i++) last[i] = tokens.starts()[i + 1] - 1;
            Var rows = Var.constant(hidden.value().indexSelect(0, Tensor.of(last)));
            Tensor logits = model.logits(tape, rows, Span.of(tokens.spans(), last)).value();
            var out = new ArrayList<float[]>();
            for (int i = 0; i < last.length; i++) out.add(logits.select(0, i).toFloats());
            return out;
        }
    }

    /**
     * Generates for all requests, so many at once.
     *
     * @param batch sequences in one step at most
     */
    public List<Sequence> run(List<Request> requests, int batch, Listener listener) {
        var waiting = new ArrayDeque<>(requests);
        var all = new ArrayList<Sequence>();
        while (!waiting.isEmpty() || !active.isEmpty()) {
            while (!waiting.isEmpty() && active.size() < batch) all.add(add(waiting.remove()));
            step(listener);
        }
        return all;
    }

    /** Drops the sequences that have not ended. */
    @Override
    public void close() {
        active.forEach(s -> s.cache.close());
        active.clear();
    }
}
