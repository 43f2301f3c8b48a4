<?xml version="1.0" encoding="UTF-8"?>
<!-- Makes a small Dublin Core document from a collection with one MARC record. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:m="http://www.loc.gov/MARC21/slim"
    xmlns:dc="http://purl.org/dc/elements/1.1/" exclude-result-prefixes="m">
  <xsl:output method="xml" encoding="UTF-8" indent="yes"/>
  <xsl:template match="/">
    <record><xsl:apply-templates select="//m:record"/></record>
  </xsl:template>
  <xsl:template match="m:record">
    <dc:identifier><xsl:value-of select="m:controlfield[@tag='001']"/></dc:identifier>
    <dc:title><xsl:value-of select="m:datafield[@tag='245']/m:subfield[@code='a']"/></dc:title>
    <xsl:for-each select="m:datafield[@tag='650']/m:subfield[@code='a']">
      <dc:subject><xsl:value-of select="."/></dc:subject>
    </xsl:for-each>
  </xsl:template>
</xsl:stylesheet>
