package facepredict;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What the file of a network says about it. */
public final class Network {
    /** A task of a network. */
    public enum Task {
        AGE(1),
        GENDER(1 << 1),
        DETECT(1 << 2);

        final int bit;

        Task(int bit) {
            this.bit = bit;
        }
    }

    public final String name, version;
    /** The licence of the weights. */
    public final String license;
    /** The data that the weights were trained on. */
    public final String data;
    /** The tasks of the network. The set cannot be changed. */
    public final Set<Task> tasks;
    /** The size of the network's input in pixels. */
    public final int inputWidth, inputHeight;

    Network(String[] texts, int[] numbers) {
        name = texts[0];
        version = texts[1];
        license = texts[2];
        data = texts[3];
        EnumSet<Task> does = EnumSet.noneOf(Task.class);
        for (Task task : Task.values()) {
            if ((numbers[0] & task.bit) != 0) {
                does.add(task);
            }
        }
        tasks = Collections.unmodifiableSet(does);
        inputWidth = numbers[1];
        inputHeight = numbers[2];
    }
}
