package dev.gyre.serve;

import dev.gyre.model.KvCache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A sequence in the engine: its request, and what has been generated so far. */
public final class Sequence {
    /** Why a sequence ended. */
    public enum Finish {
        /** A stop token came, or its listener stopped it. */
        STOP,
        /** Its own limit, or the model's context, is full. */
        LENGTH
    }

    private final Request request;
    private final Sampler sampler;
    private final List<Integer> generated = new ArrayList<>();
    final KvCache cache = new KvCache();
    private Optional<Finish> finish = Optional.empty();

    Sequence(Request request) {
        this.request = request;
        this.sampler = new Sampler(request.sampling(), request.prompt());
    }

    public Request request() {
        return request;
    }

    /** Tokens generated so far, without a stop token. */
    public int[] generated() {
        return generated.stream().mapToInt(i -> i).toArray();
    }

    /** Why it ended; empty while it goes on. */
    public Optional<Finish> finish() {
        return finish;
    }

    /** Ends it; its last token stays. */
    public void stop() {
        finish = Optional.of(Finish.STOP);
    }

    /** Nothing of it has been through the model. */
    boolean isNew() {
        return cache.length() == 0;
    }

    /** Takes over the other's first tokens, which are its own too, under the same adapters. */
    void beginLike(Sequence other, int tokens) {
        cache.beginLike(other.cache, request.positions() + tokens);
    }

    /** What the model has not seen yet: of the prompt at first, then the last token. */
    int[] pending() {
        if (!generated.isEmpty()) return new int[] {generated.getLast()};
        return Arrays.copyOfRange(request.prompt(), seen(), request.prompt().length);
    }

    /** How many of its tokens have been through the model. */
    int seen() {
        return isNew() ? 0 : cache.length() - request.positions();
    }

    /**
     * Takes the next token from the logits.
     *
     * @return whether it is part of the answer
     */
    boolean advance(float[] logits, int contextTokens) {
        int id = sampler.next(logits);
        if (request.stopTokens().contains(id)) {
            finish = Optional.of(Finish.STOP);
            return false;
        }
        generated.add(id);
        boolean full = request.prompt().length + generated.size() >= contextTokens;
        if (generated.size() >= request.maxTokens() || full) finish = Optional.of(Finish.LENGTH);
        return true;
    }

    int last() {
        return generated.getLast();
    }
}
