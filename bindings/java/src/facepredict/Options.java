package facepredict;

import java.util.List;

/** What to predict. What is not set is the library's default. Not for two threads while it is being changed. */
public final class Options {
    int flags;
    int maxFaces;
    float ageCoverage;
    float genderThreshold;
    float[] regions = new float[0];

    /** The faces, found already. */
    public Options regions(List<Region> given) {
        float[] all = new float[14 * given.size()];
        for (int i = 0; i < given.size(); i++) {
            System.arraycopy(given.get(i).numbers, 0, all, 14 * i, 14);
        }
        regions = all;
        return this;
    }

    /** The picture is one face. */
    public Options cropped(boolean on) {
        return flag(1 << 2, on);
    }

    public Options skipAge(boolean on) {
        return flag(1, on);
    }

    public Options skipGender(boolean on) {
        return flag(1 << 1, on);
    }

    /** Keeps the largest so many; 0: all. */
    public Options maxFaces(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("maxFaces is " + count);
        }
        maxFaces = count;
        return this;
    }

    /** Probability inside ageLow to ageHigh; 0: 0.8. */
    public Options ageCoverage(float share) {
        ageCoverage = share;
        return this;
    }

    /** Probability that a label needs, 0.5 to 1; 0: the model's. */
    public Options genderThreshold(float share) {
        genderThreshold = share;
        return this;
    }

    private Options flag(int bit, boolean on) {
        flags = on ? flags | bit : flags & ~bit;
        return this;
    }
}
