package dev.gyre.data;

import dev.gyre.config.UserError;
import dev.gyre.text.Encoding;
import dev.gyre.text.Message;
import dev.gyre.text.Tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Turns examples into tokens, and marks those that are learned: of each answer its text and the
 * end-of-turn token, not what the template writes after it. A conversation is rendered and
 * tokenised as a whole. What follows the last learned token is left out, since nothing depends on
 * it. Without a template, prompt, completion and an end-of-text token are joined.
 */
public final class Encoder {
    /** Examples that are encoded before an error among them is told. */
    private static final int AT_ONCE = 1024;

    /** Renders a conversation with a chat template; several threads may ask at once. */
    @FunctionalInterface
    public interface Renderer {
        /** The conversation as text, perhaps with the beginning of an answer. */
        String render(List<Message> messages, boolean addGenerationPrompt);
    }

    private final Tokenizer tokenizer;
    private final Optional<Renderer> template;
    private final int endOfText;
    private final int contextTokens;
    private final Allowances allowed;
    private final Tally tally;

    /** As the other constructor, without counting. */
    public Encoder(
            Tokenizer tokenizer,
            Optional<Renderer> template,
            int endOfText,
            int contextTokens,
            Allowances allowed) {
        this(tokenizer, template, endOfText, contextTokens, allowed, new Tally());
    }

    /**
     * An encoder for a model's tokens.
     *
     * @param template empty for none: prompts and completions are concatenated
     * @param endOfText the token after a completion without a template
     * @param contextTokens longest example
     * @param tally counts what was allowed and happened
     */
    public Encoder(
            Tokenizer tokenizer,
            Optional<Renderer> template,
            int endOfText,
            int contextTokens,
            Allowances allowed,
            Tally tally) {
        if (endOfText < 0 || contextTokens < 1)
            throw new IllegalArgumentException(
                    "endOfText = %d, contextTokens = %d".formatted(endOfText, contextTokens));
        this.tokenizer = tokenizer;
        this.template = template;
        this.endOfText = endOfText;
        this.contextTokens = contextTokens;
        this.allowed = allowed;
        this.tally = tally;
    }

    /**
     * The example as tokens; empty when it has nothing to learn and that is allowed.
     *
     * @throws UserError with the example's place, for what is not allowed
     */
    public Optional<Encoded> encode(Example example) {
        Encoded whole =
                switch (example) {
                    case Example.Chat chat -> chat(chat.messages(), chat.where());
                    case Example.Completion c when template.isPresent() ->
                            chat(
                                    List.of(
                                            new Message("user", c.prompt()),
                                            new Message("assistant", c.completion())),
                                    c.where());
                    case Example.Completion c -> plain(c);
                };
        return fitted(whole);
    }

    /**
     * As {@link #encode} does it with each.
     *
     * @param threads that share them out
     * @return in the order of the examples
     * @throws UserError the one of the first example that is not allowed
     */
    public List<Optional<Encoded>> encodeAll(List<Example> examples, int threads) {
        var all = new ArrayList<Optional<Encoded>>(examples.size());
        try (var pool = Executors.newFixedThreadPool(threads)) {
            for (int from = 0; from < examples.size(); from += AT_ONCE) {
                var some = examples.subList(from, Math.min(examples.size(), from + AT_ONCE));
                List<Callable<Optional<Encoded>>> work =
                        some.stream()
                                .map(e -> (Callable<Optional<Encoded>>) () -> encode(e))
                                .toList();
                for (Future<Optional<Encoded>> one : pool.invokeAll(work)) all.add(one.get());
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException cause) throw cause;
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while rows are encoded", e);
        }
        return all;
    }

    private Encoded plain(Example.Completion c) {
        int prompt = c.prompt().length();
        Encoding tokens = tokens(c.prompt() + c.completion(), true, c.where());
        int n = tokens.length();
        boolean[] learned = new boolean[n + 1];
        for (int i = 0; i < n; i++)
            learned[i] = tokens.starts()[i] >= prompt && tokens.ends()[i] > tokens.starts()[i];
        // Some tokenizers end every text themselves, and some completions bring their end along.
        boolean ended =
                n > 1
                        && tokens.ids()[n - 1] == endOfText
                        && (learned[n - 1] || tokens.ends()[n - 1] == tokens.starts()[n - 1]);
        int length = ended ? n : n + 1;
        int[] ids = Arrays.copyOf(tokens.ids(), length);
        ids[length - 1] = endOfText;
        learned[length - 1] = true;
        return new Encoded(ids, Arrays.copyOf(learned, length), c.where());
    }

    private Encoded chat(List<Message> messages, String where) {
        Renderer renderer =
                template.orElseThrow(
                        () ->
                                new UserError(
                                        where
                                                + ": conversations need a chat template, and there"
                                                + " is none; give one: --template FILE"));
        String text;
        try {
            text = renderer.render(messages, false);
        } catch (UserError e) {
            throw new UserError(where + ": " + e.getMessage(), e);
        }
        Encoding tokens = tokens(text, false, where);
        boolean[] learned =
                Answers.in(
                        messages,
                        renderer,
                        text,
                        tokens,
                        id -> id == endOfText || tokenizer.isSpecial(id),
                        where);
        return new Encoded(tokens.ids(), learned, where);
    }

    private Encoding tokens(String text, boolean addSpecial, String where) {
        try {
            return tokenizer.encodeWithOffsets(text, addSpecial);
        } catch (UserError e) {
            throw new UserError(where + ": " + e.getMessage(), e);
        }
    }

    private Optional<Encoded> fitted(Encoded e) {
        int length = lengthToLearn(e.learned(), e.ids().length);
        if (length > contextTokens) {
            if (!allowed.cutOff())
                throw new UserError(
                        ("%s: the example has %d tokens, more than context_tokens = %d;"
                                        + " shorten it, or allow cutting: --allow cut-off")
                                .formatted(e.where(), length, contextTokens));
            length = lengthToLearn(e.learned(), contextTokens);
            if (length > 0) tally.add(Tally.Kind.CUT_OFF);
        }
        if (length == 0) {
            if (!allowed.noAnswer())
                throw new UserError(
                        e.where()
                                + ": there is nothing to learn in this example: it has no answer of"
                                + " the assistant, or none within context_tokens; to leave such"
                                + " rows out: --allow no-answer");
            tally.add(Tally.Kind.NO_ANSWER);
            return Optional.empty();
        }
        boolean[] learned = Arrays.copyOf(e.learned(), length);
        learned[0] = false; // nothing comes before it
        return Optional.of(new Encoded(Arrays.copyOf(e.ids(), length), learned, e.where()));
    }

    /** Tokens up to the last learned one among the first {@code limit}; 0 when there is none. */
    private static int lengthToLearn(boolean[] learned, int limit) {
        for (int i = Math.min(limit, learned.length) - 1; i > 0; i--) if (learned[i]) return i + 1;
        return 0;
    }
}
