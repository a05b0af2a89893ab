package facepredict;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What a network's file says of it. */
public final class Network {
    /** What a network does. */
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
    /** Of the weights. */
    public final String license;
    /** What it was trained on. */
    public final String data;
    /** Not to be changed. */
    public final Set<Task> tasks;
    /** Size, in pixels, of what it takes in. */
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
