package dev.gyre.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;

import dev.gyre.config.UserError;

import java.io.File;
import java.nio.file.Path;

/**
 * Hugging Face's Rust library. The jar carries it for the common machines; it is unpacked once,
 * under the user's cache. Only its plain calls are used: DJL's own tokenizer class would cut long
 * texts, warn and read files beside the one it is given.
 */
final class Native {
    static final TokenizersLibrary LIBRARY = load();

    private Native() {}

    private static TokenizersLibrary load() {
        // A set property, or DJL's environment variable of the same name, goes first.
        setIfAbsent("ENGINE_CACHE_DIR", cache().resolve("natives").toString());
        // Without a flavor DJL looks for CUDA and downloads another build of the library when it
        // finds it.
        setIfAbsent("RUST_FLAVOR", "cpu");
        setIfAbsent("ai.djl.offline", "true");
        try {
            LibUtils.checkStatus();
            return TokenizersLibrary.LIB;
        } catch (EngineException | LinkageError e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new UserError(
                    "the tokenizers library does not load from %s: %s; check that the folder is writable and allows programs (XDG_CACHE_HOME moves it)"
                            .formatted(System.getProperty("ENGINE_CACHE_DIR"), cause.getMessage()),
                    e);
        }
    }

    private static void setIfAbsent(String key, String value) {
        if (System.getProperty(key) == null) System.setProperty(key, value);
    }

    private static Path cache() {
        String set = System.getenv("XDG_CACHE_HOME");
        Path home =
                set != null && new File(set).isAbsolute()
                        ? Path.of(set)
                        : Path.of(System.getProperty("user.home"), ".cache");
        return home.resolve("gyre");
    }
}
