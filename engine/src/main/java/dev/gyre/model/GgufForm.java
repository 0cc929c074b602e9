package dev.gyre.model;

import dev.gyre.format.GgufKeys;

import org.jspecify.annotations.Nullable;

/** How llama.cpp's files hold a model: names, keys, and the order of rows. */
public interface GgufForm {
    /** The name of the family, {@code general.architecture}. */
    String architecture();

    /** The file's name of a parameter, which is named as in Hugging Face. */
    String name(String parameter);

    /** The model's row of each row of a parameter in the file; null where they are the same. */
    int @Nullable [] fileOrder(String parameter);

    /**
     * Sets the keys that say the model's shape.
     *
     * @throws dev.gyre.config.UserError when they cannot say all of it
     */
    void describe(GgufKeys keys);
}
