package dev.gyre.data;

import dev.gyre.config.UserError;
import dev.gyre.text.Encoding;
import dev.gyre.text.Message;
import dev.gyre.text.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Turns examples into tokens, and marks those that are learned: of each answer its text and the end-of-turn token, not
 * what the template writes after it. A conversation is rendered and tokenised as a whole, and answers are found by
 * rendering its beginnings.
 */
public final class Encoder {
    /** Renders a conversation with a chat template. */
    @FunctionalInterface
    public interface Renderer {
        String render(List<Message> messages, boolean addGenerationPrompt);
    }

    private final Tokenizer tokenizer;
    private final Optional<Renderer> template;
    private final int endOfText;
    private final int contextTokens;
    private final Allowances allowed;

    /**
     * @param template empty for none: prompts and completions are concatenated
     * @param endOfText the token after a completion without a template
     * @param contextTokens longest example
     */
    public Encoder(
            Tokenizer tokenizer,
            Optional<Renderer> template,
            int endOfText,
            int contextTokens,
            Allowances allowed) {
        this.tokenizer = tokenizer;
        this.template = template;
        this.endOfText = endOfText;
        this.contextTokens = contextTokens;
        this.allowed = allowed;
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
                    case Example.Completion c when template.isPresent() -> chat(
                            List.of(new Message("user", c.prompt()), new Message("assistant", c.completion())),
                            c.where());
                    case Example.Completion c -> plain(c);
                };
        return fitted(whole);
    }

    private Encoded plain(Example.Completion c) {
        Encoding tokens = tokenizer.encodeWithOffsets(c.prompt() + c.completion(), true);
        int n = tokens.length();
        int[] ids = Arrays.copyOf(tokens.ids(), n + 1);
        ids[n] = endOfText;
        boolean[] learned = new boolean[n + 1];
        for (int i = 0; i < n; i++)
            learned[i] = tokens.starts()[i] >= c.prompt().length() && tokens.ends()[i] > tokens.starts()[i];
        learned[n] = true;
        return new Encoded(ids, learned, c.where());
    }

    private Encoded chat(List<Message> messages, String where) {
        Renderer renderer = template.orElseThrow(() -> new UserError(
                where + ": conversations need a chat template; the model has none. Give one with --template FILE"));
        String text = renderer.render(messages, false);
        Encoding tokens = tokenizer.encodeWithOffsets(text, false);
        boolean[] learned = new boolean[tokens.length()];
        for (int turn = 0; turn < messages.size(); turn++)
            if (messages.get(turn).role().equals("assistant")) mark(renderer, messages, turn, text, tokens, learned, where);
        return new Encoded(tokens.ids(), learned, where);
    }

    private void mark(
            Renderer renderer,
            List<Message> messages,
            int turn,
            String text,
            Encoding tokens,
            boolean[] learned,
            String where) {
        String before = renderer.render(messages.subList(0, turn), true);
        String through = renderer.render(messages.subList(0, turn + 1), false);
        if (!through.startsWith(before) || !text.startsWith(through))
            throw new UserError(where + ": the chat template writes earlier turns differently once later ones follow, so"
                    + " message " + (turn + 1) + "'s answer cannot be found in it; use one answer an example, or another"
                    + " template");
        // The template may trim the content, or write it inside something; the end-of-turn token is the first special
        // token after it.
        String content = messages.get(turn).content().strip();
        int at = through.indexOf(content, before.length());
        int contentEnd = at < 0 ? before.length() : at + content.length();
        for (int i = 0; i < tokens.length(); i++) {
            int start = tokens.starts()[i];
            if (start < before.length()) continue;
            if (start >= through.length()) return;
            boolean special = tokenizer.isSpecial(tokens.ids()[i]);
            if (start >= contentEnd && !special && noSpecialLeft(tokens, i, through.length())) return;
            learned[i] = true;
            if (start >= contentEnd && special) return;
        }
    }

    /** A template without end-of-turn tokens: nothing after the text is learned. */
    private boolean noSpecialLeft(Encoding tokens, int from, int end) {
        for (int i = from; i < tokens.length() && tokens.starts()[i] < end; i++)
            if (tokenizer.isSpecial(tokens.ids()[i])) return false;
        return true;
    }

    /** What follows the last learned token teaches nothing and is left out. */
    private Optional<Encoded> fitted(Encoded e) {
        int length = 0;
        int limit = Math.min(e.ids().length, contextTokens);
        for (int i = 1; i < e.ids().length; i++) if (e.learned()[i]) length = i + 1;
        if (length > contextTokens && !allowed.cutOff())
            throw new UserError("%s: the example has %d tokens, more than context_tokens = %d; shorten it, or allow cutting: --allow cut-off"
                    .formatted(e.where(), length, contextTokens));
        if (length > contextTokens) {
            length = 0;
            for (int i = 1; i < limit; i++) if (e.learned()[i]) length = i + 1;
        }
        if (length == 0) {
            if (allowed.noAnswer()) return Optional.empty();
            throw new UserError(e.where() + ": there is nothing to learn in this example: no answer of the assistant"
                    + " (or an empty one) is left; to pass over such rows: --allow no-answer");
        }
        return Optional.of(new Encoded(
                Arrays.copyOf(e.ids(), length), Arrays.copyOf(e.learned(), length), e.where()));
    }
}
