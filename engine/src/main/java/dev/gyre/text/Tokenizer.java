package dev.gyre.text;

import static dev.gyre.text.Native.LIBRARY;

import ai.djl.huggingface.tokenizers.jni.CharSpan;

import dev.gyre.config.Json;
import dev.gyre.config.Reasons;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;
import java.util.function.Supplier;

/**
 * Text to token ids and back, by Hugging Face's own library. Texts are never cut or padded,
 * whatever the file says. Any number of threads may use a tokenizer at once; closing waits for
 * those inside, and using a closed one is an {@link IllegalStateException}. Half surrogate pairs in
 * a text count as U+FFFD.
 */
public final class Tokenizer implements AutoCloseable {
    private final long handle;
    private final TokenTable table;
    private final ReentrantReadWriteLock open = new ReentrantReadWriteLock();
    private boolean closed;

    private Tokenizer(long handle, TokenTable table) {
        this.handle = handle;
        this.table = table;
    }

    /**
     * Reads a {@code tokenizer.json}.
     *
     * @throws UserError when it is missing, no JSON, or no tokenizer that the library reads
     */
    public static Tokenizer fromJson(Path file) {
        try {
            return fromJson(Files.readString(file), file.toString());
        } catch (IOException e) {
            throw new UserError("cannot read " + file + ": " + Reasons.of(e), e);
        }
    }

    /**
     * As {@link #fromJson(Path)}, from memory.
     *
     * @param source what to call the text in errors
     */
    public static Tokenizer fromJson(String json, String source) {
        Tree tree = Json.read(json, source);
        Hazards.check(tree);
        TokenTable table = TokenTable.of(tree);
        return new Tokenizer(create(json, source), table);
    }

    /**
     * A GGUF vocabulary.
     *
     * @throws UserError when its kind, its way of splitting or its merges cannot be used
     */
    public static Tokenizer fromVocabulary(Vocabulary vocabulary) {
        return new Tokenizer(
                create(VocabularyJson.of(vocabulary), "the GGUF vocabulary"),
                TokenTable.of(vocabulary));
    }

    private static long create(String json, String source) {
        long handle;
        try {
            handle = LIBRARY.createTokenizerFromString(json);
        } catch (RuntimeException e) {
            throw new UserError(
                    source + ": not a tokenizer that can be read: " + e.getMessage(), e);
        }
        LIBRARY.disableTruncation(handle);
        LIBRARY.disablePadding(handle);
        return handle;
    }

    /**
     * The ids of a text.
     *
     * @param addSpecial whether what the tokenizer puts around every text (often a beginning token)
     *     is added; special tokens that are spelled out in the text are found either way
     */
    public int[] encode(String text, boolean addSpecial) {
        return encoded(text, addSpecial, encoding -> toInts(LIBRARY.getTokenIds(encoding)));
    }

    /** As {@link #encode}, with the place of each token in the text. */
    public Encoding encodeWithOffsets(String text, boolean addSpecial) {
        return encoded(
                text,
                addSpecial,
                encoding -> {
                    int[] ids = toInts(LIBRARY.getTokenIds(encoding));
                    @Nullable CharSpan[] spans = LIBRARY.getTokenCharSpans(encoding);
                    return Offsets.inChars(text, ids, spans);
                });
    }

    private <T> T encoded(String text, boolean addSpecial, LongFunction<T> take) {
        return whileOpen(
                () -> {
                    long encoding = nativelyEncoded(text, addSpecial);
                    try {
                        return take.apply(encoding);
                    } finally {
                        LIBRARY.deleteEncoding(encoding);
                    }
                });
    }

    private long nativelyEncoded(String text, boolean addSpecial) {
        try {
            return LIBRARY.encode(handle, Offsets.wellFormed(text), addSpecial);
        } catch (
                RuntimeException
                        e) { // a vocabulary that lacks a character and has no token for "unknown"
            throw new UserError(
                    "the tokenizer cannot write a text of %d characters: %s"
                            .formatted(text.length(), e.getMessage()),
                    e);
        }
    }

    /**
     * The text of ids. An id that the vocabulary lacks stands for no text: models may have more
     * rows than tokens.
     *
     * @param skipSpecial whether special tokens are left out
     */
    public String decode(int[] ids, boolean skipSpecial) {
        long[] wide = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0)
                throw new IllegalArgumentException("token id " + ids[i] + " is negative");
            wide[i] = ids[i];
        }
        return whileOpen(() -> LIBRARY.decode(handle, wide, skipSpecial));
    }

    /** A decoder for tokens that come one at a time. */
    public StreamDecoder streamDecoder(boolean skipSpecial) {
        return new StreamDecoder(this, skipSpecial);
    }

    /** The id of a token, spelled as the vocabulary spells it. */
    public OptionalInt id(String token) {
        return table.id(token);
    }

    /**
     * The token of an id, spelled as the vocabulary spells it; empty for an id without a token.
     *
     * @throws IndexOutOfBoundsException outside 0 to {@code vocabularySize() - 1}
     */
    public String token(int id) {
        return table.token(id);
    }

    /** One more than the highest id. */
    public int vocabularySize() {
        return table.size();
    }

    /** Whether an id is a special token: control, not text. */
    public boolean isSpecial(int id) {
        return table.isSpecial(id);
    }

    private <T> T whileOpen(Supplier<T> action) {
        open.readLock().lock();
        try {
            if (closed) throw new IllegalStateException("the tokenizer is closed");
            return action.get();
        } finally {
            open.readLock().unlock();
        }
    }

    /** Frees the native memory; closing again does nothing. */
    @Override
    public void close() {
        open.writeLock().lock();
        try {
            if (closed) return;
            closed = true;
            LIBRARY.deleteTokenizer(handle);
        } finally {
            open.writeLock().unlock();
        }
    }

    private static int[] toInts(long[] ids) {
        return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    }
}
