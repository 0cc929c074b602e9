package dev.gyre;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.library.dependencies.SliceAssignment;
import com.tngtech.archunit.library.dependencies.SliceIdentifier;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Map;
import java.util.Set;

/** Which room may know which: imports go down only, and each library has one room. */
class RoomsTest {
    private static final String ROOT = "dev.gyre";

    private static final Map<String, Integer> FLOORS =
            Map.ofEntries(
                    Map.entry("tensor", 0),
                    Map.entry("config", 0),
                    Map.entry("format", 1),
                    Map.entry("hub", 1),
                    Map.entry("text", 1),
                    Map.entry("linear", 1),
                    Map.entry("quant", 2),
                    Map.entry("data", 2),
                    Map.entry("model", 3),
                    Map.entry("adapter", 4),
                    Map.entry("train", 5),
                    Map.entry("merge", 5),
                    Map.entry("serve", 5),
                    Map.entry("eval", 6),
                    Map.entry("compare", 6),
                    Map.entry("http", 6),
                    Map.entry("pretrain", 6),
                    Map.entry("", 7),
                    Map.entry("cli", 8));

    /**
     * Rooms without native code, so that their readers can be tested and fuzzed in milliseconds.
     */
    private static final Set<String> WITHOUT_TENSORS = Set.of("format", "hub", "text", "http");

    /** Libraries by package, and the rooms that may know them. */
    private static final Map<String, String[]> LIBRARIES =
            Map.of(
                    "org.bytedeco..", new String[] {"dev.gyre.tensor.."},
                    "tools.jackson..", new String[] {"dev.gyre.config.."},
                    "com.fasterxml..", new String[] {"dev.gyre.config.."},
                    "org.snakeyaml..", new String[] {"dev.gyre.config.."},
                    "ai.djl..", new String[] {"dev.gyre.text.."},
                    "com.hubspot..", new String[] {"dev.gyre.text.."},
                    "picocli..", new String[] {"dev.gyre.cli.."},
                    "me.tongfei..", new String[] {"dev.gyre.cli.."},
                    "org.knowm..", new String[] {"dev.gyre.cli.."});

    private static final JavaClasses GYRE =
            new ClassFileImporter()
                    .importUrl(Gyre.class.getProtectionDomain().getCodeSource().getLocation());

    @Test
    void importsGoDownOnly() {
        var wrong = new ArrayList<String>();
        for (JavaClass from : GYRE) {
            String room = room(from);
            for (var dependency : from.getDirectDependenciesFromSelf()) {
                JavaClass to = dependency.getTargetClass().getBaseComponentType();
                if (!to.getPackageName().startsWith(ROOT)) continue;
                String other = room(to);
                boolean down = FLOORS.getOrDefault(room, 0) > FLOORS.getOrDefault(other, 0);
                boolean bare = WITHOUT_TENSORS.contains(room) && other.equals("tensor");
                if (!room.equals(other) && (!down || bare)) wrong.add(dependency.getDescription());
            }
        }
        assertThat(wrong)
                .as("imports that go up, sideways, or to tensors from a room without them")
                .isEmpty();
    }

    private static String room(JavaClass type) {
        String tail = type.getPackageName().substring(ROOT.length());
        String room = tail.isEmpty() ? "" : tail.substring(1).split("\\.", -1)[0];
        assertThat(FLOORS).as("%s lies in a room with no floor", type.getName()).containsKey(room);
        return room;
    }

    @Test
    void eachLibraryHasOneRoom() {
        LIBRARIES.forEach(
                (library, rooms) ->
                        noClasses()
                                .that()
                                .resideInAPackage(ROOT + "..")
                                .and()
                                .resideOutsideOfPackages(rooms)
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage(library)
                                .check(GYRE));
    }

    @Test
    void roomsHaveNoCircles() {
        slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(GYRE);
    }

    @Test
    void methodsDoNotKnowEachOther() {
        slices().assignedFrom(new OnePerMethod()).should().notDependOnEachOther().check(GYRE);
    }

    /**
     * The registry, and pieces that methods share: those that know no method, and LoRA and the
     * bottleneck, which families of methods build on.
     */
    private static final Set<String> SHARED =
            Set.of(
                    "Methods",
                    "Fits",
                    "BlockDropout",
                    "PeftNumbers",
                    "Own",
                    "OwnKind",
                    "OnLora",
                    "Lora",
                    "LoraKind",
                    "Lycoris",
                    "Decomposed",
                    "EncodedBase",
                    "AdaAlloc",
                    "LoftqBase",
                    "SharedBases",
                    "Bottleneck",
                    "SmallNetwork",
                    "SideBySide",
                    "LowRank",
                    "Equivalent",
                    "PromptKind",
                    "ShiraMask");

    /** Every file of the methods' room but those. */
    private static final class OnePerMethod implements SliceAssignment {
        @Override
        public SliceIdentifier getIdentifierOf(JavaClass type) {
            if (!type.getPackageName().equals(ROOT + ".adapter.method"))
                return SliceIdentifier.ignore();
            JavaClass outer = type.getBaseComponentType();
            while (outer.getEnclosingClass().isPresent()) outer = outer.getEnclosingClass().get();
            return SHARED.contains(outer.getSimpleName())
                    ? SliceIdentifier.ignore()
                    // A method's registry line, XKind, belongs to the method X.
                    : SliceIdentifier.of(outer.getSimpleName().replaceAll("Kind$", ""));
        }

        @Override
        public String getDescription() {
            return "one slice for each method";
        }
    }
}
