// What is secret is found in whatever form it was written; what is not stays.
#include "tools/scrubber.hpp"

#include <chrono>
#include <fstream>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

namespace sluice::tools {
namespace {

std::string cleaned(const std::string& secret, std::string_view text) {
  scrubber hidden;
  hidden.hide(secret);
  return hidden.clean(text);
}

std::string percent_encoded(std::string_view text, std::string_view digits) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
  }
  return out;
}

TEST(scrubber, finds_a_secret_in_every_form) {
  const std::string secret = "p/a:s@s w\"o\\r{d}%41\n\xc3\xa9";
  const std::string once = boost::json::serialize(boost::json::value(secret));
  const std::string twice = boost::json::serialize(boost::json::value(once));
  for (const std::string& form :
       {secret, percent_encoded(secret, "0123456789ABCDEF"), percent_encoded(secret, "0123456789abcdef"), once, twice,
        boost::json::serialize(boost::json::value(twice)), std::string("p%2fa%3As%40s%20w\"o%5Cr{d}%2541%0a\xc3\xa9"),
        std::string("p\\/a:s@s w\\u0022o\\u005cr{d}%41\\u000A\xc3\xa9")}) {
    const bool quoted = form.ends_with('"');
    const std::string text = "before " + form + " after";
    const std::string clean = cleaned(secret, text);
    if (!quoted) {
      EXPECT_EQ(clean, "before *** after") << form;
    }
    for (const char* part : {"p/a", "p%2", "p\\/a", "{d}", "7b", "7B"}) {
      EXPECT_EQ(clean.find(part), std::string::npos) << clean;
    }
    EXPECT_TRUE(clean.starts_with("before ") && clean.ends_with(" after")) << clean;
  }
}

TEST(scrubber, finds_every_one_wherever_it_stands) {
  EXPECT_EQ(cleaned("secret", "secretsecret, asecretb"), "******, a***b");
  EXPECT_EQ(cleaned("secret", "sesecret"), "se***");
  EXPECT_EQ(cleaned("secret", "secre"), "secre");
  EXPECT_EQ(cleaned("secret", ""), "");
  scrubber both;
  both.hide("abcd");
  both.hide("abcdefgh");
  both.hide("");
  EXPECT_EQ(both.clean("abcdefgh abcd xyz"), "*** *** xyz");
}

TEST(scrubber, a_very_short_secret_is_a_word_of_its_own) {
  EXPECT_EQ(cleaned("a", "a banana, \"a\", b:a@c"), "*** banana, \"***\", b:***@c");
  EXPECT_EQ(cleaned("abc", "abcd abc"), "abcd ***");
}

TEST(scrubber, knows_the_password_of_a_uri_raw_and_decoded) {
  scrubber hidden;
  hidden.hide_secrets_of(
      "mongodb://user:p%40ss%2Fword@a:1,b:2/db?appName=x@y&tlsCertificateKeyFilePassword=k%65y-pass");
  hidden.hide_secrets_of(
      "mongodb+srv://user:un@escaped/pass@c/?authMechanismProperties=AWS_SESSION_TOKEN:a-token,B:mongodb");
  const std::string clean =
      hidden.clean("user p@ss/word p%40ss%2fword p%40ss%2Fword key-pass k%65y-pass un@escaped/pass a-token mongodb");
  EXPECT_EQ(clean, "user *** *** *** *** *** *** *** mongodb");
}

TEST(scrubber, a_uri_without_a_password_hides_nothing) {
  scrubber hidden;
  for (const char* uri : {"mongodb://a:27017,b:27017/db?replicaSet=rs", "mongodb://user@a:27017/",
                          "mongodb://[::1]:27017", "", "nonsense"}) {
    hidden.hide_secrets_of(uri);
    EXPECT_EQ(hidden.clean(uri), uri);
  }
  EXPECT_EQ(hidden.clean("a 27017 user db rs"), "a 27017 user db rs");
}

TEST(scrubber, passwords_of_uris_that_nobody_told_are_hidden_too) {
  const scrubber hidden;
  EXPECT_EQ(hidden.clean(R"({"uri":"mongodb://u:pw@a/?x=1","next":"kept"} mongodb+srv://v:pw@b, kept)"),
            R"({"uri":"mongodb://u:***@a/?x=1","next":"kept"} mongodb+srv://v:***@b, kept)");
  EXPECT_EQ(hidden.clean("cut off: mongodb://u:passw"), "cut off: mongodb://u:***");
}

TEST(scrubber, values_of_documents_are_cut) {
  EXPECT_EQ(scrubber().clean("shop.a _id 7 (gone)"), "shop.a _id *** (gone)");
  EXPECT_EQ(without_document_values("E11000 dup key: { email: \"a}b\", n: { m: 1 } }, again"),
            "E11000 dup key: ***, again");
  EXPECT_EQ(without_document_values("shop.a: the document with _id {\"$oid\":\"65\"}: refused"),
            "shop.a: the document with _id ***: refused");
  EXPECT_EQ(without_document_values("shop.a _id 7 (gone), shop.b _id \"x\\\"y z\" (gone)"),
            "shop.a _id *** (gone), shop.b _id \"***\" (gone)");
  EXPECT_EQ(without_document_values(
                R"({"id":"{\"a\":\"}x\"}","message":"_id {\"a\":\"}x\"} and _id \"b\" dup key: { a: \"c\" } end"})"),
            R"({"id":"***","message":"_id *** and _id *** dup key: *** end"})");
  EXPECT_EQ(without_document_values(R"({"_id":{"$oid":"65"},"n":1})"), R"({"_id":"***","n":1})");
  EXPECT_EQ(without_document_values("dup key: { never closed\nnext line"), "dup key: ***\nnext line");
  for (const char* text : {"", "_id", "_id ", "index _id_ on shop.a", "\"id\":"}) {
    EXPECT_EQ(without_document_values(text), text);
  }
}

TEST(scrubber, odd_text_costs_little) {
  const auto begin = std::chrono::steady_clock::now();
  const std::string backslashes(1'000'000, '\\');
  EXPECT_EQ(cleaned("\\\\x", backslashes).size(), backslashes.size());
  EXPECT_EQ(cleaned("a\\\\b\\c", "a" + backslashes).size(), backslashes.size() + 1);
  std::string ids;
  for (int line = 0; line < 50'000; ++line) ids += "_id 1\n";
  EXPECT_EQ(without_document_values(ids).size(), ids.size() + 100'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace sluice::tools
