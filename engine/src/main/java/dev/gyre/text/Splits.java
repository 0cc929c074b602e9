package dev.gyre.text;

import dev.gyre.config.NearMiss;
import dev.gyre.config.Tree;
import dev.gyre.config.UserError;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How text is split before byte-level merges, by the name in {@code tokenizer.ggml.pre}. Names and
 * expressions are those of transformers 5 ({@code integrations/gguf/gguf_tokenizer_mapping.py}); it
 * reads {@code smollm} and its kin with GPT-2's expression alone, where llama.cpp first sets digits
 * apart: the two differ in runs of spaces before a digit, and the ids here are those of
 * transformers.
 */
final class Splits {
    private static final String LLAMA3 =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String QWEN2 = LLAMA3.replace("\\p{N}{1,3}", "\\p{N}");
    private static final String UPPER =
            "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    private static final String REST =
            "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    private static final String TEKKEN =
            UPPER + "*" + LOWER + "+|" + UPPER + "+" + LOWER + "*|\\p{N}" + REST;
    private static final String SUFFIX = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    private static final String GPT4O =
            UPPER
                    + "*"
                    + LOWER
                    + "+"
                    + SUFFIX
                    + "|"
                    + UPPER
                    + "+"
                    + LOWER
                    + "*"
                    + SUFFIX
                    + "|\\p{N}{1,3}"
                    + REST;

    /** Stands for GPT-2's expression, which the byte-level step has built in. */
    private static final String GPT2 = "";

    private static final Map<String, String> BY_NAME = new HashMap<>();

    static {
        put(
                GPT2,
                "",
                "default",
                "gpt-2",
                "gpt2",
                "smollm",
                "starcoder",
                "refact",
                "command-r",
                "codeshell",
                "phi-2");
        put(
                GPT2,
                "olmo",
                "jais",
                "exaone",
                "exaone4",
                "minerva-7b",
                "modern-bert",
                "mellum",
                "gigachat",
                "a.x-4.0");
        put(
                LLAMA3,
                "llama3",
                "llama-v3",
                "llama-bpe",
                "falcon3",
                "falcon-h1",
                "pixtral",
                "midm-2.0",
                "lfm2");
        put(LLAMA3, "jina-v5-nano", "dbrx", "smaug-bpe");
        put(TEKKEN, "tekken");
        put(QWEN2, "qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez");
        put(GPT4O, "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
    }

    private Splits() {}

    private static void put(String expression, String... names) {
        for (String name : names) BY_NAME.put(name, expression);
    }

    /** The {@code pre_tokenizer} of a tokenizer.json. */
    static Map<String, Object> preTokenizer(String pre) {
        String expression = expression(pre);
        if (expression.equals(GPT2)) return byteLevel(true);
        Map<String, Object> split =
                Map.of(
                        "type",
                        "Split",
                        "pattern",
                        Map.of("Regex", expression),
                        "behavior",
                        "Isolated",
                        "invert",
                        false);
        return Map.of("type", "Sequence", "pretokenizers", List.of(split, byteLevel(false)));
    }

    /** Whether a piece that is a token as it stands is taken whole, without the merges. */
    static boolean ignoresMerges(String pre) {
        return expression(pre).equals(LLAMA3);
    }

    /**
     * The name for a {@code pre_tokenizer} of a tokenizer.json.
     *
     * @throws UserError when it splits in none of the ways that are known here
     */
    static String name(Tree preTokenizer) {
        String type = preTokenizer.textOr("type", "");
        if (type.equals("ByteLevel") && preTokenizer.boolOr("use_regex", true)) return "gpt-2";
        List<Tree> steps = preTokenizer.get("pretokenizers").map(Tree::items).orElse(List.of());
        if (steps.size() == 2 && steps.get(1).textOr("type", "").equals("ByteLevel")) {
            Tree first = steps.getFirst();
            if (first.textOr("type", "").equals("Digits")
                    && first.boolOr("individual_digits", false)) return "smollm";
            Optional<String> regex =
                    first.get("pattern").flatMap(p -> p.get("Regex")).map(Tree::text);
            for (String name : List.of("llama-bpe", "qwen2", "tekken", "gpt-4o"))
                if (regex.equals(Optional.of(expression(name)))) return name;
        }
        throw preTokenizer.wrong(
                "a way of splitting text that a GGUF file can name: GPT-2's, SmolLM's, Llama 3's,"
                        + " Qwen 2's, Tekken's or GPT-4o's");
    }

    private static String expression(String pre) {
        String expression = BY_NAME.get(pre);
        if (expression == null)
            throw new UserError(
                    "tokenizer.ggml.pre is \""
                            + pre
                            + "\", a way of splitting text that is not known here"
                            + NearMiss.hint(
                                    pre,
                                    BY_NAME.keySet().stream().filter(n -> !n.isEmpty()).toList())
                            + "; a Hugging Face folder of the same model works");
        return expression;
    }

    private static Map<String, Object> byteLevel(boolean splits) {
        return Map.of(
                "type",
                "ByteLevel",
                "add_prefix_space",
                false,
                "trim_offsets",
                false,
                "use_regex",
                splits);
    }
}
