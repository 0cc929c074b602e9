package dev.gyre.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.util.Random;

class StreamDecoderTest {
    private final Tokenizer tokenizer = Tokenizer.fromVocabulary(Goldens.small("smollm", false));

    @AfterEach
    void close() {
        tokenizer.close();
    }

    @Test
    void noCharacterComesInHalves() {
        var stream = tokenizer.streamDecoder(false);
        int[] ids = tokenizer.encode("a\uD83D\uDE00b", false);
        assertThat(stream.push(ids[0])).isEqualTo("a");
        for (int i = 1; i < ids.length - 2; i++) assertThat(stream.push(ids[i])).isEmpty();
        assertThat(stream.push(ids[ids.length - 2])).isEqualTo("\uD83D\uDE00");
        assertThat(stream.push(ids[ids.length - 1])).isEqualTo("b");
        assertThat(stream.flush()).isEmpty();
    }

    @Test
    void whatNeverBecomesACharacterComesAtTheEnd() {
        var stream = tokenizer.streamDecoder(false);
        int[] ids = tokenizer.encode("\uD83D\uDE00", false);
        assertThat(stream.push(ids[0])).isEmpty();
        assertThat(stream.flush()).isEqualTo("\uFFFD");
        assertThat(stream.push(tokenizer.encode("b", false)[0])).isEqualTo("b"); // a new text
    }

    @Test
    void specialTokensAreLeftOutOrIn() {
        int[] ids = tokenizer.encode("<|im_start|>a<|im_end|>", false);
        var without = tokenizer.streamDecoder(true);
        assertThat(without.push(ids[0])).isEmpty();
        assertThat(without.push(ids[1])).isEqualTo("a");
        assertThat(without.push(ids[2])).isEmpty();
        var with = tokenizer.streamDecoder(false);
        assertThat(with.push(ids[0])).isEqualTo("<|im_start|>");
    }

    @Test
    void anyIdsJoinToTheirText() {
        for (int seed = 0; seed < 50; seed++) {
            var random = new Random(seed);
            int[] ids =
                    random.ints(1 + random.nextInt(200), 0, tokenizer.vocabularySize() + 3)
                            .toArray();
            boolean skip = seed % 2 == 0;
            var stream = tokenizer.streamDecoder(skip);
            var text = new StringBuilder();
            String whole = tokenizer.decode(ids, skip);
            for (int id : ids) {
                text.append(stream.push(id));
                assertThat(whole).startsWith(text);
            }
            assertThat(text.append(stream.flush()).toString()).isEqualTo(whole);
        }
    }

    @Test
    void endlessHalvesAreNotHeldForEver() {
        int half = tokenizer.encode("\uD83D\uDE00", false)[0];
        var stream = tokenizer.streamDecoder(false);
        int said = 0;
        for (int i = 0; i < 500; i++) said += stream.push(half).length();
        assertThat(said).isGreaterThan(400);
        assertThat(said + stream.flush().length()).isEqualTo(500);
    }

    @Test
    void aDecoderThatFallsBackToBytesTakesNothingBack() {
        String json =
                "{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"\u2581\"},\"content\":\""
                    + " \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\""
                    + " \",\"start\":1,\"stop\":0}]},\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,"
                    + "\"vocab\":{\"<0xE4>\":0,\"<0xBD>\":1,\"<0xA0>\":2,\"<0xE5>\":3,\"<0xA5>\":4,\"\u2581a\":5},\"merges\":[]}}";
        try (var t = Tokenizer.fromJson(json, "t.json")) {
            var stream = t.streamDecoder(false);
            int[] ids = {5, 5, 0, 1, 2, 3, 4, 2, 5};
            var text = new StringBuilder();
            for (int id : ids) text.append(stream.push(id)).append('|');
            assertThat(text.append(stream.flush()).toString())
                    .isEqualTo("a| a|||\u4F60|||\u5960| a|");
        }
    }
}
