package dev.gyre.adapter;

import dev.gyre.config.Tree;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Set;

/**
 * A method's line in the registry: its name, how settings become the method, and how PEFT's files
 * name them.
 */
public interface MethodKind {
    /** Short name, such as {@code oft}. */
    String name();

    /** {@code peft_type} in an adapter's configuration. */
    String peftType();

    /**
     * Whether a configuration of PEFT's is this method's. Methods that share a {@code peft_type}
     * tell theirs by other keys; of those that say yes, the last in the registry has it.
     */
    default boolean reads(Tree config) {
        return config.textOr("peft_type", "").equalsIgnoreCase(peftType());
    }

    /** Whether a tensor in a file only repeats another one. */
    default boolean isRedundant(String tensor) {
        return false;
    }

    /** One sentence for lists. */
    String summary();

    /** Whether Hugging Face PEFT has the method, so that files go both ways. */
    default boolean inPeft() {
        return true;
    }

    /**
     * What it does there: which parts of y = after(W·before(x)) + beside(x) + bias it takes, such
     * as {@code after + beside}; or {@code gated}, {@code norms} and the like.
     */
    default String parts() {
        return "";
    }

    /** Whether weights can take it in. */
    default boolean merges() {
        return !parts().contains("gated");
    }

    /**
     * How many numbers it learns at a linear slot, as a formula over the settings' names, {@code
     * in} and {@code out}, with {@code + - * /}, {@code min(,)} and brackets; for lists, and
     * checked against every slot.
     */
    default String count() {
        return "";
    }

    /** Each setting with its default and meaning, for help and documentation. */
    Map<String, String> settings();

    /**
     * The method with these settings. @throws dev.gyre.config.UserError naming a setting that is
     * wrong or unknown
     */
    Method of(Settings settings);

    /** Keys of PEFT's configuration that belong to this method alone. */
    Set<String> peftKeys();

    /** Keys that PEFT's configurations share and that this method's lacks. */
    default Set<String> peftLacks() {
        return Set.of();
    }

    /**
     * The method of a PEFT configuration.
     *
     * @param reading options and warnings
     */
    Method fromPeft(Tree config, Reading reading);

    /** This method's own keys of PEFT's configuration. */
    Map<String, ? extends @Nullable Object> toPeft(Method method);

    /**
     * The same, where PEFT wants some of them to agree with where the adapter acts.
     *
     * @param targets what is written as {@code target_modules}: words, or a regular expression
     */
    default Map<String, ? extends @Nullable Object> toPeft(
            Method method, @Nullable Object targets) {
        return toPeft(method);
    }

    /**
     * The method that a file's tensors show, where they say more than its configuration.
     *
     * @param shapes of the file's tensors by their names there
     */
    default Method fitted(Method method, Map<String, long[]> shapes, Reading reading) {
        return method;
    }
}
