package facepredict;

import java.util.List;

/** What to predict. What is not set is the library's default: the faces are searched. Not for two threads while it is being changed. */
public final class Options {
    int flags;
    int maxFaces;
    float ageCoverage;
    float genderThreshold;
    int minFaceSize;
    float minScore;
    int crops;
    /** Null searches. */
    float[] regions;

    /** The faces, found already: nothing is searched, even if there are none. Null: search. */
    public Options regions(List<Region> given) {
        if (given == null) {
            regions = null;
            return this;
        }
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

    /** Searches as a tracker searches its frames: at one small scale, in a sixth of the time. */
    public Options fastSearch(boolean on) {
        return flag(1 << 3, on);
    }

    /** Searches in four quarter turns, for pictures that may lie on a side or stand on their head. Takes four times as long. */
    public Options tryTurns(boolean on) {
        return flag(1 << 4, on);
    }

    /** Keeps at most this many faces, the largest; 0 means all. */
    public Options maxFaces(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("maxFaces is " + count);
        }
        maxFaces = count;
        return this;
    }

    /** Probability inside ageLow to ageHigh; 0 means 0.8. */
    public Options ageCoverage(float share) {
        ageCoverage = share;
        return this;
    }

    /** Probability that a label needs, 0.5 to 1; 0 means the model's. */
    public Options genderThreshold(float share) {
        genderThreshold = share;
        return this;
    }

    /** Smallest face that is searched for, in pixels of the picture: the shorter side of its box. 0 means a fiftieth of the longer side, at least 13. Smaller ones cost more time. */
    public Options minFaceSize(int pixels) {
        if (pixels < 0) {
            throw new IllegalArgumentException("minFaceSize is " + pixels);
        }
        minFaceSize = pixels;
        return this;
    }

    /** Score that a found face needs, above 0 and below 1; 0 means the model's. */
    public Options minScore(float score) {
        minScore = score;
        return this;
    }

    /** Crops of each face that are averaged, at most 8: the second is mirrored, further ones a little shifted, too. Each costs as much as the first. */
    public Options crops(int count) {
        if (count < 0) {
            throw new IllegalArgumentException("crops is " + count);
        }
        crops = count;
        return this;
    }

    /** For JNI. */
    int[] whole() {
        return new int[] {flags, maxFaces, minFaceSize, crops};
    }

    float[] shares() {
        return new float[] {ageCoverage, genderThreshold, minScore};
    }

    private Options flag(int bit, boolean on) {
        flags = on ? flags | bit : flags & ~bit;
        return this;
    }
}
