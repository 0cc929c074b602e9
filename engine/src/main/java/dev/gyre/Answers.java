package dev.gyre;

import dev.gyre.config.UserError;
import dev.gyre.model.Effects;
import dev.gyre.serve.Engine;
import dev.gyre.serve.Request;
import dev.gyre.serve.Sampling;
import dev.gyre.serve.Sequence;
import dev.gyre.text.Message;
import dev.gyre.text.StreamDecoder;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** Prompts in, pieces of text out: tokens, stop texts and streaming around the {@link Engine}. */
final class Answers {
    /** Sequences in one step; more share each product with the weights, and take more memory. */
    private static final int BATCH = 128;

    private final Base base;
    private final Decoding how;
    private final Consumer<Piece> pieces;
    private final Map<Sequence, Answer> answers = new HashMap<>();

    private Answers(Base base, Decoding how, Consumer<Piece> pieces) {
        this.base = base;
        this.how = how;
        this.pieces = pieces;
    }

    /** Answers all prompts with the same adapters. */
    static void generate(
            Base base,
            List<Effects> adapters,
            int contextTokens,
            List<Prompt> prompts,
            Decoding how,
            Consumer<Piece> pieces) {
        var all = new Answers(base, how, pieces);
        var requests = new ArrayList<Request>();
        for (int i = 0; i < prompts.size(); i++)
            requests.add(all.request(prompts.get(i), i, adapters));
        try (var engine = new Engine(base.model(), contextTokens)) {
            // All of them first, so that a bad one costs no work on those before it.
            for (int i = 0; prompts.size() > 1 && i < prompts.size(); i++)
                engine.check(requests.get(i), "prompt " + (i + 1));
            int next = 0;
            while (next < requests.size() || engine.active() > 0) {
                for (; next < requests.size() && engine.active() < BATCH; next++)
                    all.answers.put(engine.add(requests.get(next)), all.new Answer(next));
                engine.step((sequence, id) -> all.answer(sequence).token(sequence, id));
                all.finished();
            }
        }
    }

    private Answer answer(Sequence sequence) {
        Answer answer = answers.get(sequence);
        if (answer == null) throw new IllegalStateException("a token of an unknown sequence");
        return answer;
    }

    private void finished() {
        answers.entrySet()
                .removeIf(
                        e -> {
                            e.getKey().finish().ifPresent(f -> e.getValue().done(e.getKey(), f));
                            return e.getKey().finish().isPresent();
                        });
    }

    private Request request(Prompt prompt, int index, List<Effects> adapters) {
        int[] ids =
                switch (prompt) {
                    case Prompt.Plain(var text) -> base.tokenizer().encode(text, true);
                    case Prompt.Chat(var turns) -> chat(turns);
                };
        if (ids.length == 0)
            throw new UserError("prompt " + (index + 1) + " is empty; give it some text");
        var sampling =
                new Sampling(
                        how.temperature(),
                        how.topK(),
                        how.topP(),
                        how.minP(),
                        how.repetitionPenalty(),
                        how.seed() * 1_000_003 + index);
        return new Request(ids, adapters, sampling, how.maxTokens(), base.dialect().stops());
    }

    private int[] chat(List<Prompt.Turn> turns) {
        var template = base.template();
        if (template.isPresent()) {
            var messages = turns.stream().map(t -> new Message(t.role(), t.text())).toList();
            return base.tokenizer().encode(template.get().render(messages, true), false);
        }
        if (turns.size() == 1) return base.tokenizer().encode(turns.getFirst().text(), true);
        throw new UserError(
                "a conversation needs a chat template; this model has none. Give one with"
                        + " --template FILE");
    }

    /** One answer as it comes: text is held back while it may still turn into a stop text. */
    private final class Answer {
        private final int index;
        private final StreamDecoder decoder = base.tokenizer().streamDecoder(true);
        private final StringBuilder text = new StringBuilder();
        private int sent;
        private boolean cut;

        Answer(int index) {
            this.index = index;
        }

        void token(Sequence sequence, int id) {
            text.append(decoder.push(id));
            cutAtStop();
            if (cut) sequence.stop();
            send(text.length() - heldBack());
        }

        /** Cuts the text at the first stop text in it. */
        private void cutAtStop() {
            int first = -1;
            for (String stop : how.stop()) {
                int at = text.indexOf(stop);
                if (at >= 0 && (first < 0 || at < first)) first = at;
            }
            if (first < 0) return;
            text.setLength(first);
            cut = true;
        }

        /** Characters at the end that begin a stop text. */
        private int heldBack() {
            int most = 0;
            for (String stop : how.stop())
                for (int n = Math.min(stop.length() - 1, text.length()); n > most; n--)
                    if (text.substring(text.length() - n).equals(stop.substring(0, n))) most = n;
            return most;
        }

        private void send(int upTo) {
            if (upTo <= sent) return;
            pieces.accept(new Piece.Text(index, text.substring(sent, upTo)));
            sent = upTo;
        }

        void done(Sequence sequence, Sequence.Finish finish) {
            if (!cut) text.append(decoder.flush());
            cutAtStop();
            send(text.length());
            var why =
                    finish == Sequence.Finish.STOP || cut ? Piece.Finish.STOP : Piece.Finish.LENGTH;
            pieces.accept(new Piece.Done(index, text.toString(), sequence.generated().length, why));
        }
    }
}
