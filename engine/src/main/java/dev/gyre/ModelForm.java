package dev.gyre;

import dev.gyre.config.BadValue;
import dev.gyre.config.NearMiss;
import dev.gyre.format.ElementType;
import dev.gyre.merge.Merging;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;

/** A line in the registry of the forms that models are written in, other than plain folders. */
interface ModelForm {
    /** Whether it is a folder; else one file. */
    boolean folder();

    /**
     * Writes a model.
     *
     * @param done takes each weight when it is encoded
     */
    void write(Base base, Merging merging, Path out, Consumer<Gyre.EncodedWeight> done);

    /** The registry, in the order of lists. */
    static Map<String, ModelForm> all() {
        var all = new LinkedHashMap<String, ModelForm>();
        all.put("nf4", BitsandbytesFolder.nf4());
        all.put("int8", BitsandbytesFolder.int8());
        for (ElementType type : GgufModel.TYPES)
            all.put(type.name().toLowerCase(Locale.ROOT), new GgufModel(type));
        return all;
    }

    /**
     * The form of a name.
     *
     * @throws BadValue when there is none
     */
    static ModelForm named(String name) {
        ModelForm form = all().get(name);
        if (form == null)
            throw BadValue.saying(
                    "--to",
                    "= \"%s\" is not a form that models are written in%s"
                            .formatted(name, NearMiss.hint(name, all().keySet())));
        return form;
    }
}
