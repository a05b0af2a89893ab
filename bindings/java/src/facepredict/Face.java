package facepredict;

import java.util.Arrays;

/** One face: plain numbers, NaN where something was skipped or is not known. */
public final class Face {
    /** The label that strangers would give; UNDECIDED when skipped or below the threshold. */
    public enum Gender { UNDECIDED, FEMALE, MALE }

    /** Box in upright pixels; may reach outside the picture. */
    public final float x, y, width, height;
    /** How sure that this is a face, 0 to 1; NaN for a face that was given. */
    public final float score;
    /** Years; the median of the distribution. */
    public final float age;
    /** Interval that holds the age with the coverage asked for. */
    public final float ageLow, ageHigh;
    /** Calibrated probability of the label female, 0 to 1. */
    public final float femaleProbability;
    public final Gender gender;
    /** Few pixels. */
    public final boolean isSmall;
    /** Reaches beyond the picture. */
    public final boolean isCutOff;
    private final float[] landmarks;
    private final float[] years;

    Face(float[] n, float[] years) {
        x = n[0];
        y = n[1];
        width = n[2];
        height = n[3];
        landmarks = Float.isNaN(n[4]) ? null : Arrays.copyOfRange(n, 4, 14);
        score = n[14];
        age = n[15];
        ageLow = n[16];
        ageHigh = n[17];
        femaleProbability = n[18];
        gender = n[19] == 1 ? Gender.FEMALE : n[19] == 2 ? Gender.MALE : Gender.UNDECIDED;
        int quality = (int) n[20];
        isSmall = (quality & 1) != 0;
        isCutOff = (quality & 1 << 5) != 0;
        this.years = years;
    }

    /** x and y of left eye, right eye, nose, left and right mouth corner; null where unknown. */
    public float[] landmarks() {
        return landmarks == null ? null : landmarks.clone();
    }

    /** Probability of each whole year from 0, summing to 1; empty where the age was skipped. */
    public float[] ageDistribution() {
        return years.clone();
    }

    /** Probability that the person has lived so many years or more, linear between whole years; NaN without an age. */
    public float ageAtLeast(float least) {
        if (years.length == 0 || Float.isNaN(least)) {
            return Float.NaN;
        }
        if (Float.isInfinite(least)) {
            return tail(least);
        }
        double whole = Math.floor(least);
        double part = least - whole;
        return (float) (tail(whole) + (tail(whole + 1) - tail(whole)) * part);
    }

    private float tail(double first) {
        float sum = 0;
        for (int i = (int) Math.max(0, Math.min(first, years.length)); i < years.length; i++) {
            sum += years[i];
        }
        return Math.min(sum, 1);
    }

    @Override
    public String toString() {
        return String.format("%.1f years (%.1f to %.1f), %s (female %.3f)", age, ageLow, ageHigh, gender, femaleProbability);
    }
}
